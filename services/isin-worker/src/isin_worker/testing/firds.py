"""Made-up files of a Financial Instruments Reference Data System: ISO 20022 messages auth.017 and auth.036."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from isin_worker.testing.lists import make_isin

_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><BizData xmlns="urn:iso:std:iso:20022:tech:xsd:head.003.001.01"><Hdr>'
    '<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.01"><Fr><OrgId><Id><OrgId><Othr><Id>XX</Id></Othr>'
    "</OrgId></Id></OrgId></Fr><BizMsgIdr>FILE</BizMsgIdr></AppHdr></Hdr><Pyld>"
)
_HEADER = "<RptHdr><RptgNtty><NtlCmptntAuthrty>XX</NtlCmptntAuthrty></RptgNtty></RptHdr>"
_FULL = (
    f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:auth.017.001.02"><FinInstrmRptgRefDataRpt>{_HEADER}',
    "</FinInstrmRptgRefDataRpt></Document></Pyld></BizData>",
)
_DELTA = (
    f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:auth.036.001.03"><FinInstrmRptgRefDataDltaRpt>{_HEADER}',
    "</FinInstrmRptgRefDataDltaRpt></Document></Pyld></BizData>",
)
OPERATIONS = {"new": "NewRcrd", "modified": "ModfdRcrd", "terminated": "TermntdRcrd", "cancelled": "CancRcrd"}
LEI = "529900T8BM49AURSDO55"


def make_record(
    number: int, *, isin: str | None = None, venue: str = "XETR", name: str | None = None, cfi: str = "ESVUFR"
) -> str:
    """What a record says, between its own tags; of shares, debt or funds, by the first letter of ``cfi``."""
    title = escape(name if name is not None else f"Company {number} AG, Namens-Aktien o.N. Serie {number % 97}")
    debt = (
        '<DebtInstrmAttrbts><TtlIssdNmnlAmt Ccy="EUR">50000000</TtlIssdNmnlAmt><MtrtyDt>2031-05-20</MtrtyDt>'
        '<NmnlValPerUnit Ccy="EUR">1000</NmnlValPerUnit><IntrstRate><Fxd>1.25</Fxd></IntrstRate></DebtInstrmAttrbts>'
        if cfi.startswith("D")
        else ""
    )
    return (
        f"<FinInstrmGnlAttrbts><Id>{isin or make_isin(number, 'DE')}</Id><FullNm>{title}</FullNm>"
        f"<ShrtNm>COMPANY {number}/SH</ShrtNm><ClssfctnTp>{cfi}</ClssfctnTp><NtnlCcy>EUR</NtnlCcy>"
        f"<CmmdtyDerivInd>false</CmmdtyDerivInd></FinInstrmGnlAttrbts><Issr>{LEI}</Issr>"
        f"<TradgVnRltdAttrbts><Id>{venue}</Id><IssrReq>true</IssrReq><AdmssnApprvlDtByIssr>2018-01-03T07:00:00Z"
        "</AdmssnApprvlDtByIssr><ReqForAdmssnDt>2018-01-02T07:00:00Z</ReqForAdmssnDt>"
        "<FrstTradDt>2018-01-03T07:00:00Z</FrstTradDt></TradgVnRltdAttrbts>"
        f"{debt}<TechAttrbts><RlvntCmptntAuthrty>DE</RlvntCmptntAuthrty><PblctnPrd><FrDt>2026-01-09</FrDt></PblctnPrd>"
        "<RlvntTradgVn>XETR</RlvntTradgVn></TechAttrbts>"
    )


def make_full(records: Iterable[str]) -> bytes:
    """A file of everything, on one line, as they are."""
    start, end = _FULL
    inner = "".join([f"<RefData>{record}</RefData>" for record in records])
    return f"{_ENVELOPE}{start}{inner}{end}".encode()


def make_changes(records: Iterable[tuple[str, str]]) -> bytes:
    """A file of changes: each an operation, one of ``OPERATIONS``, and a record."""
    start, end = _DELTA
    inner = "".join([f"<FinInstrm><{OPERATIONS[op]}>{record}</{OPERATIONS[op]}></FinInstrm>" for op, record in records])
    return f"{_ENVELOPE}{start}{inner}{end}".encode()
