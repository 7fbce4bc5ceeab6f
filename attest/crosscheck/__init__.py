"""A second opinion (extra ``tpm``): libtss2 reads the structures anew, OpenSSL the signatures.

It shares neither parser nor binding with the rest of attest: octets go to libtss2 through
tpm2-pytss, the numbers that come back go to OpenSSL's own command. Only ``verifier.cross-check``
asks for it, where the caller does.
"""
