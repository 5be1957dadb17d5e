"""What a broker's certificate that is not trusted is told as; it knows no broker."""

from __future__ import annotations

from ssl import SSLCertVerificationError
from typing import Final

_REMEDY: Final = (
    "Set SSL_CERT_FILE to the file of the authority that signed it, and use the host's name as the certificate has it."
)


def remedy_for(fault: BaseException, usual: str) -> str:
    """What to do about a broker that cannot be talked to: `usual`, unless its certificate is the reason."""
    seen: list[BaseException] = []
    inner: BaseException | None = fault
    while inner is not None and inner not in seen:
        if isinstance(inner, SSLCertVerificationError):
            return _REMEDY
        seen.append(inner)
        inner = inner.__cause__ or inner.__context__
    return usual
