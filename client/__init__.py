"""The client for confidential inference; so far its core: errors, envelope and keys, no network.

The envelope stands in ``client.envelope``, the client's own key in ``client.keys``.
"""

from client.errors import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    ClientError,
    ForbiddenError,
    InvalidRequestError,
    RateLimitError,
    SecurityError,
    ServerError,
    ServiceUnavailableError,
)

__all__ = [
    "APIConnectionError",
    "APIError",
    "AuthenticationError",
    "ClientError",
    "ForbiddenError",
    "InvalidRequestError",
    "RateLimitError",
    "SecurityError",
    "ServerError",
    "ServiceUnavailableError",
]
