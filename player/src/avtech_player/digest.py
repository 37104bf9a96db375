"""SHA-256 of files, by the OpenSSL that `cryptography` brings, so that Python's own need not be loaded as well."""

from io import BufferedReader, FileIO

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from avtech_schema.identifiers import Sha256

_CHUNK = 1 << 18


def file_digest(file: BufferedReader | FileIO) -> Sha256:
    """The SHA-256 of the rest of an open file.

    Raises:
        OSError: it cannot be read.
    """
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    found = Hash(SHA256())
    while count := file.readinto(buffer):
        found.update(view[:count])
    return Sha256(found.finalize().hex())
