"""Enrolment: an attestation key is proven to live in the TPM of an endorsement key's certificate.

Four steps, none of which needs a network: a request and an answer by the machine with the TPM
(``attest.collect.enrolling``), a challenge and a record by the enroller (``steps``).
docs/enrolling.md says what the record proves, and to whom.
"""
