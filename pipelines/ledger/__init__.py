"""The ledger: a signed record of every step's result, kept for good, and the blobs they name."""

from pipelines.ledger.blobs import BlobLost, Blobs
from pipelines.ledger.keys import Keys
from pipelines.ledger.record import Record
from pipelines.ledger.store import Ledger

__all__ = ["BlobLost", "Blobs", "Keys", "Ledger", "Record"]
