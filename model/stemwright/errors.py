"""What a user can get wrong, and the one thing that disks do."""

import errno


class InputError(ValueError):
    """Bad input, said in one clear line that names the thing and the remedy.

    The command line prints the message and exits with 2, the API answers 4xx with it;
    any other exception is a fault of ours and keeps its traceback.
    """


class TrainingDiverged(InputError):
    """Too many steps of a training had to be skipped: its data or its settings need a look."""


def is_out_of_room(error: OSError) -> bool:
    """Whether there was no room to write: a full disk, a used-up quota, a limit on the size of files."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
