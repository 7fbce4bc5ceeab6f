"""Octets to frozen TPM structures, exact to the octet; no cryptography, no judgement."""
