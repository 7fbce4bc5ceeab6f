"""A session of Apache Spark, begun and ended, and what it raises said on one line."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from attest.replay.pool import ReplayError


@contextmanager
def failures() -> Iterator[None]:
    """Say on one line that Spark failed."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        said = str(error).strip().partition("\n")[0]
        raise ReplayError(f"Spark: {said or type(error).__name__}") from error


@contextmanager
def session(master: str) -> Iterator[SparkSession]:
    """Begin a session of our own, and end it.

    Executors run this very Python, unless PYSPARK_PYTHON names another. A session of this machine
    opens no port to others.

    Args:
        master: Where Spark runs: ``local[2]``, ``spark://host:7077``, ``yarn``.

    Raises:
        ReplayError: There is no Java, the session did not begin, or there is one already, which is
            somebody else's to end: give that to ``judge``.
    """
    if SparkSession.getActiveSession() is not None:
        raise ReplayError("a Spark session is running here: use it, with attest.replay.spark.judge")
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java" if home is None else f"{home}/bin/java") is None:
        raise ReplayError("Spark needs Java 17 or newer, and found none")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {
        "spark.log.level": "ERROR",
        "spark.sql.session.timeZone": "UTC",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if master.startswith("local"):
        settings |= {
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.sql.shuffle.partitions": "16",  # 200 tasks a question are for clusters
        }
    with failures():
        builder = SparkSession.builder.master(master).appName("attest replay")
        begun = builder.config(map=settings).getOrCreate()
    try:
        yield begun
    finally:
        begun.stop()
