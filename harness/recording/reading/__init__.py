"""The parts of a run folder as a Recording reads them: the event log, samples, ledger, integrity and read-backs."""
