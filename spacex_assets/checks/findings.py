"""What a check found, and how Dagster shows it: the figures, and up to ten offending keys.

What does not belong here: what is looked for.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

SHOWN = 10


@dataclass(frozen=True)
class Finding:
    """One offence: of which rule, by which key, and what was found there; ``total`` offences of the rule were found.

    ``remedy`` is what to do about all offences of the rule.
    """

    rule: str
    key: str
    found: str
    total: int = 1
    remedy: str = ""


@dataclass(frozen=True)
class Findings:
    """What one check found: passed if nothing. ``figures`` are shown in any case."""

    findings: tuple[Finding, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def totals(self) -> dict[str, int]:
        """Offences by rule."""
        counted = Counter(finding.rule for finding in self.findings)
        return {finding.rule: max(finding.total, counted[finding.rule]) for finding in self.findings}

    def __add__(self, other: "Findings") -> "Findings":
        """Both."""
        return Findings(self.findings + other.findings, {**self.figures, **other.figures})

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to do, each thing once."""
        return tuple(dict.fromkeys(finding.remedy for finding in self.findings if finding.remedy))

    def __str__(self) -> str:
        """Every rule that was broken, how often if more than once, with its first offender; then what to do."""
        first = {finding.rule: finding for finding in reversed(self.findings)}
        broken = "; ".join(_told(first[rule], total) for rule, total in self.totals.items())
        return f"{broken}. Next: {' '.join(self.remedies)}" if self.remedies else broken

    def result(self, check: str, asset: Iterable[str], severity: dg.AssetCheckSeverity) -> dg.AssetCheckResult:
        """The result for Dagster."""
        totals = {f"{rule}: offences" if rule in self.figures else rule: n for rule, n in self.totals.items()}
        metadata: dict[str, Any] = {**self.figures, **totals}
        if self.remedies:
            metadata["next"] = " ".join(self.remedies)
        if self.findings:
            shown = [one for rule in self.totals for one in [f for f in self.findings if f.rule == rule][:SHOWN]]
            metadata["found"] = dg.MetadataValue.table(
                [dg.TableRecord({"rule": one.rule, "key": one.key, "found": one.found}) for one in shown]
            )
        return dg.AssetCheckResult(
            passed=not self.findings,
            check_name=check,
            asset_key=dg.AssetKey(list(asset)),
            severity=severity,
            description=str(self) or None,
            metadata=metadata,
        )


def _told(first: Finding, total: int) -> str:
    offender = f"{first.key} {first.found}".strip()
    return f"{first.rule} ({total:,}, first: {offender})" if total > 1 else f"{first.rule}: {offender}".rstrip()
