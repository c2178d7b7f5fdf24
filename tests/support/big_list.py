"""A file of the shape and size of OFAC's `sdn_advanced.xml`, to measure how it is imported.

    python -m tests.support.big_list FILE [MEGABYTES]

Parties have names in several scripts, birth dates and places, as real ones do; most have no
address, and those that do have a random one. Where parties end, their sanctions entries follow.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from app.addresses.samples import SAMPLES

REAL_MEGABYTES: Final = 121
_ASSETS: Final = {344: "XBT", 345: "ETH", 992: "TRX"}
_KINDS: Final = {344: ("BTC", "p2wpkh"), 345: ("ETH", "mixed case"), 992: ("TRX", "account")}
_EVERY: Final = 20  # one party in so many has an address

_HEAD: Final = """<?xml version="1.0" encoding="utf-8"?>
<Sanctions xmlns="https://lists.example/ADVANCED_XML" Version="3">
  <DateOfIssue CalendarTypeID="1"><Year>2025</Year><Month>11</Month><Day>19</Day></DateOfIssue>
  <ReferenceValueSets><FeatureTypeValues>
"""
_ALIAS: Final = """
          <Alias FixedRef="{uid}" AliasTypeID="1403" Primary="{primary}" LowQuality="false">
            <DocumentedName ID="{name_id}" FixedRef="{uid}" DocNameStatusID="1">
              <DocumentedNamePart>
                <NamePartValue NamePartGroupID="{name_id}" ScriptID="215" ScriptStatusID="1"
                  Acronym="false">PARTY</NamePartValue>
              </DocumentedNamePart>
              <DocumentedNamePart>
                <NamePartValue NamePartGroupID="{name_id}" ScriptID="215" ScriptStatusID="1"
                  Acronym="false">{uid}</NamePartValue>
              </DocumentedNamePart>
            </DocumentedName>
          </Alias>"""
_DATE: Final = """
        <Feature ID="{feature_id}" FeatureTypeID="8">
          <FeatureVersion ID="{feature_id}" ReliabilityID="1"><Comment />
            <DatePeriod CalendarTypeID="1" YearFixed="false" MonthFixed="false" DayFixed="false">
              <Start Approximate="false" YearFixed="false" MonthFixed="false" DayFixed="false">
                <From><Year>1977</Year><Month>3</Month><Day>25</Day></From>
                <To><Year>1977</Year><Month>3</Month><Day>25</Day></To>
              </Start>
            </DatePeriod>
            <VersionDetail DetailTypeID="1430" />
          </FeatureVersion>
          <IdentityReference IdentityID="{uid}" IdentityFeatureLinkTypeID="1" />
        </Feature>"""
_ADDRESS: Final = """
        <Feature ID="{feature_id}" FeatureTypeID="{feature_type}">
          <FeatureVersion ID="{feature_id}" ReliabilityID="1"><Comment />
            <VersionDetail DetailTypeID="1432">{address}</VersionDetail>
          </FeatureVersion>
          <IdentityReference IdentityID="{uid}" IdentityFeatureLinkTypeID="1" />
        </Feature>"""
_ENTRY: Final = """
    <SanctionsEntry ID="{uid}" ProfileID="{uid}" ListID="1550">
      <EntryEvent ID="{uid}" EntryEventTypeID="1" LegalBasisID="1"><Comment />
        <Date CalendarTypeID="1"><Year>2019</Year><Month>8</Month><Day>21</Day></Date>
      </EntryEvent>
      <SanctionsMeasure ID="{uid}" SanctionsTypeID="1"><Comment>SDNTK</Comment></SanctionsMeasure>
    </SanctionsEntry>"""


def write_big_list(file: Path, megabytes: int = REAL_MEGABYTES) -> int:
    """Write such a file of at least so many million bytes; return how many addresses it has."""
    random, size, count, parties = Random(1), 0, 0, 0  # noqa: S311  it protects nothing
    with file.open("w", encoding="utf-8") as stream:
        stream.write(_HEAD)
        for feature_type, asset in _ASSETS.items():
            stream.write(
                f'<FeatureType ID="{feature_type}">Digital Currency Address - {asset}'
                "</FeatureType>\n"
            )
        stream.write("</FeatureTypeValues></ReferenceValueSets><DistinctParties>")
        while size < 0.9 * megabytes * 1_000_000:
            parties += 1
            count += parties % _EVERY == 0
            size += stream.write("".join(_party(parties, random)))
        stream.write("</DistinctParties><SanctionsEntries>")
        while size < megabytes * 1_000_000:
            size += stream.write(_ENTRY.format(uid=parties))
        stream.write("</SanctionsEntries></Sanctions>")
    return count


def _party(uid: int, random: Random) -> Iterator[str]:
    yield f'\n<DistinctParty FixedRef="{uid}"><Comment /><Profile ID="{uid}" PartySubTypeID="4">'
    yield f'<Identity ID="{uid}" FixedRef="{uid}" Primary="true" False="false">'
    for alias in range(4):
        primary = "false" if alias else "true"
        yield _ALIAS.format(uid=uid, name_id=10 * uid + alias, primary=primary)
    yield "</Identity>"
    for feature in range(2):
        yield _DATE.format(uid=uid, feature_id=10 * uid + feature)
    if uid % _EVERY == 0:
        feature_type = random.choice(list(_KINDS))
        yield _ADDRESS.format(
            uid=uid,
            feature_id=10 * uid + 9,
            feature_type=feature_type,
            address=SAMPLES[_KINDS[feature_type]](random),
        )
    yield "</Profile></DistinctParty>"


if __name__ == "__main__":
    written = write_big_list(Path(sys.argv[1]), *map(int, sys.argv[2:]))
    sys.stdout.write(f"{written} addresses\n")
