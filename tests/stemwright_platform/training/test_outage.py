import pytest
from mlflow.exceptions import InvalidUrlException, MlflowException
from mlflow.protos.databricks_pb2 import (
    INVALID_PARAMETER_VALUE,
    PERMISSION_DENIED,
    REQUEST_LIMIT_EXCEEDED,
    TEMPORARILY_UNAVAILABLE,
    UNAUTHENTICATED,
)
from requests import ConnectionError, HTTPError, Response, Timeout

from stemwright_platform.training.outage import LONGEST_PAUSE_S, Outage, passes, reason, without_password


def answered(status: int) -> HTTPError:
    response = Response()
    response.status_code = status
    return HTTPError(response=response)


@pytest.mark.parametrize(
    "error",
    [
        MlflowException("API request failed"),
        MlflowException("busy", error_code=TEMPORARILY_UNAVAILABLE),
        MlflowException("slower", error_code=REQUEST_LIMIT_EXCEEDED),
        ConnectionError(),
        Timeout(),
        answered(503),
        answered(429),
    ],
    ids=repr,
)
def test_what_a_server_may_get_over_passes(error: Exception) -> None:
    assert passes(error)


@pytest.mark.parametrize(
    "error",
    [
        MlflowException("who?", error_code=UNAUTHENTICATED),
        MlflowException("no", error_code=PERMISSION_DENIED),
        MlflowException("what?", error_code=INVALID_PARAMETER_VALUE),
        InvalidUrlException("http://:bad"),
        answered(403),
        FileNotFoundError(),
        TypeError(),
    ],
    ids=repr,
)
def test_a_refusal_or_a_fault_of_ours_does_not(error: Exception) -> None:
    assert not passes(error)


def test_pauses_grow_to_half_a_minute_and_start_again_after_an_answer() -> None:
    outage = Outage("http://mlflow", lambda line: None)
    pauses = [outage.went_on(Timeout()) for _ in range(8)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S
    outage.ended()
    assert outage.went_on(Timeout()) == pauses[0]


def test_a_reason_is_short_and_keeps_passwords_to_itself() -> None:
    nested = "Max retries exceeded (Caused by NewConnectionError('…: [Errno 111] Connection refused'))"
    assert reason(MlflowException(nested)) == "Connection refused"
    assert reason(MlflowException("Read timed out. (read timeout=10)")) == "no answer in time"
    assert "secret" not in reason(ValueError("http://me:secret@host failed\nlong story"))
    assert "\n" not in reason(ValueError("one\ntwo"))
    assert reason(KeyError()) == "KeyError"


def test_an_address_is_shown_without_its_password() -> None:
    assert without_password("https://me:secret@host:5000/x") == "https://host:5000/x"
    assert without_password("sqlite:////tmp/a@b.db") == "sqlite:////tmp/a@b.db"
