"""Messages about the records in a report."""

from collections import Counter

from ...utils._warnings import warn
from .._records import ALL_CHECKSUMS_DIFFER

# Statuses of records and files that were not to be read.
_NOT_READ = ("segment", "no header", "hidden", "other file", "no label", "not in table")


def warn_of_failed_records(report):
    """Issue a warning about all records that failed, and one about those that may be damaged."""
    warn_of_checksums(report)
    n_failed = (report["status"] == "failed").sum()
    if not n_failed:
        return
    n_records = (~report["status"].isin(_NOT_READ)).sum()
    warn(
        f"{n_failed} of {n_records} records were left out, because they failed "
        f"({count_failed_fields(report)}). The reasons are in report.",
        UserWarning,
    )


def warn_of_checksums(report):
    """Issue one warning about the loaded records of which all checksums are wrong."""
    is_wrong = report["reason"].str.contains(ALL_CHECKSUMS_DIFFER, regex=False)
    is_wrong &= report["status"] == "loaded"
    if is_wrong.any():
        names = report.loc[is_wrong, "record"].tolist()
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        warn(
            f"In {len(names)} of {(report['status'] == 'loaded').sum()} loaded records, "
            f"{ALL_CHECKSUMS_DIFFER}: {', '.join(names[:3])}{more}. Their signals may be damaged, "
            "or of other records.",
            UserWarning,
        )


def add_note(report, position, note):
    """Append a note to the reason of a row of the report."""
    before = report.loc[position, "reason"]
    report.loc[position, "reason"] = f"{before}; {note}" if before else note


def count_failed_fields(report):
    """Describe what was wrong with the failed records, such as "length 2, units 1"."""
    reasons = report.loc[report["status"] == "failed", "reason"]
    fields = Counter(reason.partition(": ")[0] for reason in reasons)
    return ", ".join(f"{field} {count}" for field, count in fields.most_common())


def summarize_reasons(names, reasons):
    """Describe the first three records and their reasons, and count the rest."""
    described = [f"{name} ({reason})" for name, reason in zip(names, reasons)]
    more = f" and {len(described) - 3} more" if len(described) > 3 else ""
    return f"{'; '.join(described[:3])}{more}"
