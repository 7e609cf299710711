"""What a user can get wrong."""


class InputError(ValueError):
    """Bad input, said in one clear line that names the thing and the remedy.

    The command line prints the message and exits with 2, the API answers 4xx with it;
    any other exception is a fault of ours and keeps its traceback.
    """
