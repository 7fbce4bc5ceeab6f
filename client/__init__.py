"""The gated client for confidential inference: what cannot be verified is refused.

``SecureChatCompletion`` takes the place of NOMYO's class of that name, and needs a policy.
"""

from attest.errors import EvidenceWriteError
from client.completion import SecureChatCompletion, SyncSecureChatCompletion
from client.errors import (
    APIConnectionError,
    APIError,
    AttestationRefused,
    AuthenticationError,
    ClientError,
    ForbiddenError,
    InvalidRequestError,
    RateLimitError,
    SecurityError,
    ServerError,
    ServiceUnavailableError,
    UnsupportedClient,
)
from client.gate import Gate
from client.protocol import SecureCompletionClient, SyncSecureCompletionClient
from client.response import AttestedResponse

__all__ = [
    "APIConnectionError",
    "APIError",
    "AttestationRefused",
    "AttestedResponse",
    "AuthenticationError",
    "ClientError",
    "EvidenceWriteError",
    "ForbiddenError",
    "Gate",
    "InvalidRequestError",
    "RateLimitError",
    "SecureChatCompletion",
    "SecureCompletionClient",
    "SecurityError",
    "ServerError",
    "ServiceUnavailableError",
    "SyncSecureChatCompletion",
    "SyncSecureCompletionClient",
    "UnsupportedClient",
]
