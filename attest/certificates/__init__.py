"""EK and AK certificates: parsed, and chained offline to pinned roots at a given time.

``chains`` is the door: a validator holds roots and revocations, and keeps what it validated.
``model``, ``extra`` and ``identity`` are light; all else imports the libraries for certificates,
and is itself imported only where a policy or a command asks for them.
"""
