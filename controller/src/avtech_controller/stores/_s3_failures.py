"""What botocore's failures mean: who must act, in one line."""

import re

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
)
from urllib3.exceptions import HTTPError

from avtech_controller.stores._port import StoreConfigurationError, StoreError
from avtech_schema.errors import AvtechError

ABSENT = {"404", "NoSuchKey", "NotFound"}
LOST = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
"""A conditional write lost, or met another writer in the act."""

NO_STORE = "is the endpoint right? A login page or a proxy may answer in the store's place"
_REFUSED = {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired"}
_DENIED = {
    "403",
    "AccessDenied",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "InvalidBucketName",
    "NoSuchBucket",
    "PermanentRedirect",
}
_UNTRUSTED = re.compile(
    r"failed for (https://[^/ ]+).*?(?:certificate verify failed: (.*?) ?\(|(hostname .* doesn't match .*))"
)
_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, ProfileNotFound, ParamValidationError)


def failure(error: BotoCoreError | ClientError | HTTPError | OSError, doing: str) -> AvtechError:
    """The error to raise for a failure of the client library, of the server or of a local file."""
    if isinstance(error, ClientError):
        return _answered(error, doing)
    if isinstance(error, _CREDENTIALS):
        return StoreConfigurationError(
            f"{doing}: {_one_line(error)}", hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        )
    if untrusted := _untrusted(error):
        return StoreConfigurationError(
            f"{doing}: the certificate of {untrusted[1]} is not trusted: {untrusted[2] or untrusted[3]}",
            hint="check the address; for an authority of your own, set AWS_CA_BUNDLE to the file of its certificate",
        )
    if isinstance(error, OSError):
        return StoreError(f"{doing}: {error.strerror or _one_line(error)}")
    return StoreError(f"{doing}: {_one_line(error)}")


def may_have_landed(error: BotoCoreError | ClientError) -> bool:
    """Whether a write that failed may have been carried out all the same: no answer, a server's failure, or a refusal
    of a second attempt."""
    if not isinstance(error, ClientError):
        return not isinstance(error, _CREDENTIALS) and not _untrusted(error)
    facts = error.response.get("ResponseMetadata", {})
    return facts.get("HTTPStatusCode", 0) >= 500 or facts.get("RetryAttempts", 0) > 0


def _answered(error: ClientError, doing: str) -> AvtechError:
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _REFUSED:
        return StoreConfigurationError(
            f"{doing}: the credentials were refused ({code})",
            hint="check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or AWS_PROFILE, and the clock",
        )
    if code in _DENIED or (code == "404" and "Bucket" in error.operation_name):
        what = "there is no such bucket" if code in {"NoSuchBucket", "404"} else f"{code} {message}".strip()
        return StoreConfigurationError(
            f"{doing}: {what}"[:400], hint="check the bucket's name, the endpoint and what the credentials may do"
        )
    return StoreError(f"{doing}: the store answered {status} {code} {message}".strip()[:400])


def _untrusted(error: Exception) -> "re.Match[str] | None":
    return _UNTRUSTED.search(str(error)) if isinstance(error, SSLError) else None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
