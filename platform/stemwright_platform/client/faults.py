"""What a call can end with but its answer."""

import httpx

from stemwright.errors import InputError


class ApiError(InputError):
    """The server refused a call."""

    def __init__(self, status: int, code: str, message: str, remedy: str) -> None:
        super().__init__(f"{message}: {remedy}" if remedy else message)
        self.status, self.code, self.message, self.remedy = status, code, message, remedy

    @classmethod
    def of(cls, answer: httpx.Response) -> "ApiError":
        """From a refusal; what is none of the API's (a proxy's page, say) is told by its status."""
        try:
            failure = answer.json()
            told = failure["code"], failure["message"], failure["remedy"]
        except (ValueError, KeyError, TypeError):
            told = (
                "refused",
                f"{answer.url} answered {answer.status_code}",
                "see what stands before the server",
            )
        return cls(answer.status_code, *told)


class NoAnswer(ApiError):
    """The server did not answer."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(0, "no_answer", f"no answer from {address} ({reason})", "is the server running?")
