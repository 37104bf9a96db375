"""SHA-256 of files, by the OpenSSL that `cryptography` brings, so that Python's own need not be loaded as well."""

from io import BufferedReader, FileIO

from cryptography.hazmat.primitives.hashes import SHA256, Hash

from avtech_schema.identifiers import Sha256

_CHUNK = 1 << 18


class Digest:
    """A SHA-256 that grows with what it is given."""

    def __init__(self) -> None:
        self._hash = Hash(SHA256())
        self.size = 0
        """How many bytes it was given."""

    def update(self, data: bytes | memoryview) -> None:
        """Take some bytes more."""
        self._hash.update(data)
        self.size += len(data)

    def read(self, file: BufferedReader | FileIO) -> None:
        """Take the rest of an open file.

        Raises:
            OSError: it cannot be read.
        """
        buffer = bytearray(_CHUNK)
        view = memoryview(buffer)
        while count := file.readinto(buffer):
            self.update(view[:count])

    def value(self) -> Sha256:
        """The digest of what it was given so far."""
        return Sha256(self._hash.copy().finalize().hex())


def file_digest(file: BufferedReader | FileIO) -> Sha256:
    """The SHA-256 of the rest of an open file.

    Raises:
        OSError: it cannot be read.
    """
    found = Digest()
    found.read(file)
    return found.value()
