"""Reports in the forms that Vitis HLS and Vivado write, with figures of our own.

Sections that nobody reads are left out; what stands here stands so in the files of the versions that are named.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

TOP = "net"
PART = "xczu7ev-ffvc1156-2-e"


def _fields(values: Mapping[str, object]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in values.items())


def module(name: str, latency: object, interval: object, resources: Mapping[str, int], loops: str = "") -> str:
    """A module as csynth.xml of Vitis HLS has it."""
    return f"""<Module><Name>{name}</Name>
<PerformanceEstimates>
<SummaryOfTimingAnalysis><EstimatedClockPeriod>3.25</EstimatedClockPeriod></SummaryOfTimingAnalysis>
<SummaryOfOverallLatency><Best-caseLatency>{latency}</Best-caseLatency><Worst-caseLatency>{latency}</Worst-caseLatency>
<PipelineInitiationInterval>{interval}</PipelineInitiationInterval><PipelineType>yes</PipelineType>
</SummaryOfOverallLatency><SummaryOfLoopLatency>{loops}</SummaryOfLoopLatency></PerformanceEstimates>
<AreaEstimates><Resources>{_fields(resources)}<UTIL_LUT>~0</UTIL_LUT><AVAIL_DSP>1728</AVAIL_DSP></Resources></AreaEstimates>
</Module>"""


def instance(name: str, of: str, inner: str = "") -> str:
    """A module where another calls it."""
    return f"""<Instance><InstName>{name}</InstName><ModuleName>{of}</ModuleName><IsCompInst>true</IsCompInst>
<InstancesList>{inner}</InstancesList></Instance>"""


LOOPS = """<Row><Name>Row</Name><TripCount>8</TripCount><Latency>88</Latency><PipelineDepth>11</PipelineDepth>
<PipelineType>no</PipelineType><Column><Name>Column</Name><TripCount>10</TripCount><Latency>9</Latency>
<PipelineII>1</PipelineII><PipelineDepth>4</PipelineDepth></Column></Row>"""

MODULES = (
    module("read_words_x_packs_config_s", 6, 6, {"FF": 12, "LUT": 40}),
    module("dense_fc1_config_Pipeline_Output", 20, "16 ~ 17", {"DSP": 8, "FF": 300, "LUT": 500, "BRAM_18K": 2}, LOOPS),
    module("dense_fc1_config_s", 24, 20, {"DSP": 8, "FF": 330, "LUT": 560, "BRAM_18K": 2, "URAM": 0}),
    module("relu_fc1_relu_config_s", "undef", 6, {"FF": 30, "LUT": 90}),
)
INSTANCES = (
    instance("read_words_U0", "read_words_x_packs_config_s"),
    instance("dense_fc1_U0", "dense_fc1_config_s", instance("grp_fu_9", "dense_fc1_config_Pipeline_Output")),
    instance("relu_U0", "relu_fc1_relu_config_s"),
    instance("relu_U1", "relu_fc1_relu_config_s"),
)


def csynth(
    *,
    version: str = "2023.2",
    top: str = TOP,
    part: str = PART,
    dsp: str = "DSP",
    used: int = 8,
    latency: object = 40,
    modules: tuple[str, ...] = MODULES,
    instances: tuple[str, ...] = INSTANCES,
    clock: float = 2.917,
    pragmas: str = "",
) -> str:
    """A csynth.xml."""
    hierarchy = f"<RTLDesignHierarchy><TopModule><ModuleName>{top}</ModuleName><InstancesList>{''.join(instances)}"
    hierarchy += "</InstancesList></TopModule></RTLDesignHierarchy>"
    return f"""<profile>
<ReportVersion><Version>{version}</Version></ReportVersion>
<UserAssignments><unit>ns</unit><ProductFamily>zynquplus</ProductFamily><Part>{part}</Part>
<TopModelName>{top}</TopModelName><TargetClockPeriod>4.00</TargetClockPeriod><ClockUncertainty>1.08</ClockUncertainty>
</UserAssignments>
<PerformanceEstimates><PipelineType>dataflow</PipelineType>
<SummaryOfTimingAnalysis><unit>ns</unit><EstimatedClockPeriod>{clock}</EstimatedClockPeriod></SummaryOfTimingAnalysis>
<SummaryOfOverallLatency><unit>clock cycles</unit>
<Best-caseLatency>{latency}</Best-caseLatency><Worst-caseLatency>{latency}</Worst-caseLatency>
<Best-caseRealTimeLatency>0.160 us</Best-caseRealTimeLatency>
<Interval-min>20</Interval-min><Interval-max>21</Interval-max>
</SummaryOfOverallLatency></PerformanceEstimates>
<AreaEstimates>
<Resources><BRAM_18K>2</BRAM_18K><{dsp}>{used}</{dsp}><FF>402</FF><LUT>760</LUT><URAM>0</URAM></Resources>
<AvailableResources><BRAM_18K>624</BRAM_18K><{dsp}>1728</{dsp}><FF>460800</FF><LUT>230400</LUT><URAM>96</URAM>
</AvailableResources></AreaEstimates>
{hierarchy if instances else ""}
<ModuleInformation>{"".join(modules)}</ModuleInformation>
<PragmaReport><Pragma type="pipeline" location="net.cpp:9" status="valid" options="II=1"/>{pragmas}</PragmaReport>
</profile>
"""


def cosim(*, status: str = "Pass", latency: tuple[object, ...] = (38, 39, 41), total: object | None = 203) -> str:
    """A <top>_cosim.rpt: with the total, or without it as older versions write it (total None)."""
    line = "+----------+----------+-----------------+-----------------+"
    head = "|   RTL    |  Status  |  Latency(Clock Cycles)  |  Interval(Clock Cycles)  |"
    ends = [] if total is None else [total]
    cells = "".join(f"{cell:>15}|" for cell in (*latency, 20, 20, 21, *ends))
    none = "".join(f"{'NA':>15}|" for _ in range(6 + len(ends)))
    return f"""Report time       : Mon Jan  1 00:00:00 2024.
Solution          : solution1.
Simulation tool   : xsim.

{line}
{head}
{line}
|      VHDL|        NA|{none}
|   Verilog|{status:>10}|{cells}
{line}
"""


LAT = """$MAX_LATENCY = "41"
$MIN_LATENCY = "38"
$AVER_LATENCY = "39"
$MAX_THROUGHPUT = "21"
$MIN_THROUGHPUT = "20"
$AVER_THROUGHPUT = "20"
$TOTAL_EXECUTE_TIME = "203"
"""
TRANSACTIONS = """                             latency        interval
transaction       0:              38              20
transaction       1:              41              21
transaction       2:              39               x
"""


def export_xml(run: str = "synth", *, part: str = PART, lut: int = 700, slack: float = 0.5, met: str = "TRUE") -> str:
    """An export_syn.xml (run synth) or export_impl.xml (run impl)."""

    def cell(path: str, of: str, luts: int, top: str = "") -> str:
        return f"""<RtlModule CELL="{path}" {top} TYPE="function" MODULENAME="{of}" RTLNAME="net_{of}">
<Resources FF="20" LUT="{luts}"/></RtlModule>"""

    return f"""<profile>
<RunData><RUN_TYPE>{run}</RUN_TYPE><VIVADO_VERSION>v.2023.2</VIVADO_VERSION></RunData>
<TimingReport><TargetClockPeriod>4.000</TargetClockPeriod><AchievedClockPeriod>{4 - slack:.3f}</AchievedClockPeriod>
<CP_ROUTE>NA</CP_ROUTE><SLACK_ROUTE/><TIMING_MET>{met}</TIMING_MET><WNS_FINAL>{slack:.3f}</WNS_FINAL></TimingReport>
<AreaReport><Resources><BRAM>2</BRAM><CLB>0</CLB><DSP>8</DSP><FF>350</FF><LATCH>0</LATCH><LUT>{lut}</LUT><SRL>3</SRL>
<URAM>0</URAM></Resources>
<AvailableResources><BRAM>624</BRAM><DSP>1728</DSP><FF>460800</FF><LUT>230400</LUT><URAM>96</URAM></AvailableResources>
</AreaReport>
<RtlModules>{cell("inst", "net", lut, 'IS_TOP="1"')}
{cell("inst/dense_fc1_U0", "dense_fc1_config_s", 520)}
{cell("inst/dense_fc1_U0/grp_fu_9", "dense_fc1_config_Pipeline_Output", 480)}
{cell("inst/relu_U0", "relu_fc1_relu_config_s", 70)}
{cell("inst/relu_U1", "relu_fc1_relu_config_s", 71)}</RtlModules>
<GeneralInfo NAME="General Information"><item NAME="Date" VALUE="today"/>
<item NAME="Target device" VALUE="{part}"/></GeneralInfo>
</profile>
"""


def export_text(stage: str = "Synthesis") -> str:
    """A <top>_export.rpt: after synthesis alone, or after implementation too."""
    lines = ["CP achieved post-synthesis:      3.412"]
    lines += ["CP achieved post-implementation: 3.871"] if stage == "Implementation" else []
    timing = "\n".join(lines)
    return f"""
Implementation tool: Xilinx Vivado v.2024.2
Project:             net_prj
Solution:            solution1
Device target:       {PART}
Report date:         today

#=== Post-{stage} Resource usage ===
SLICE:            0
LUT:            812
FF:             390
DSP:              8
BRAM:             2
URAM:             0
LATCH:            0
SRL:              5

#=== Final timing ===
CP required:                     4.000
{timing}
Timing met
"""


def utilization(*, family: str = "CLB", tiles: str = "1.5", state: str = "Synthesized") -> str:
    """A text of report_utilization: family Slice (7 series), CLB (UltraScale) or Versal's names."""
    names = {
        "Slice": ("Slice LUTs*", "Slice Registers", "DSPs"),
        "CLB": ("CLB LUTs*", "CLB Registers", "DSPs"),
        "Versal": ("CLB LUTs", "Registers", "DSP Slices"),
    }
    lut, ff, dsp = names[family]
    return f"""Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
-------------------------------------------------------------
| Tool Version : Vivado v.2022.2 (lin64) Build 1 of a day
| Date         : today
| Host         : here running 64-bit Linux
| Command      : report_utilization -file vivado_synth.rpt
| Design       : {TOP}
| Device       : {PART.replace("-ffvc1156-2-e", "ffvc1156-2")}
| Design State : {state}
-------------------------------------------------------------

1. Logic
--------

+----------------------------+------+-------+------------+-----------+-------+
|          Site Type         | Used | Fixed | Prohibited | Available | Util% |
+----------------------------+------+-------+------------+-----------+-------+
| {lut:<26} |  731 |     0 |          0 |    230400 |  0.32 |
|   LUT as Logic             |  731 |     0 |          0 |    230400 |  0.32 |
| {ff:<26} |  377 |     0 |          0 |    460800 |  0.08 |
| F7 Muxes                   |    0 |     0 |          0 |    115200 |  0.00 |
+----------------------------+------+-------+------------+-----------+-------+

2. BLOCKRAM
+-------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    |  {tiles} |     0 |          0 |       312 |  0.48 |
|   RAMB36/FIFO*    |    1 |     0 |          0 |       312 |  0.32 |
|   RAMB18          |    1 |     0 |          0 |       624 |  0.16 |
| URAM              |    0 |     0 |          0 |        96 | <0.01 |
+-------------------+------+-------+------------+-----------+-------+

3. ARITHMETIC
+----------------+------+-------+------------+-----------+-------+
| {dsp:<14} |    8 |     0 |          0 |      1728 |  0.46 |
|   DSP48E2 only |    8 |       |            |           |       |
+----------------+------+-------+------------+-----------+-------+

8. Primitives
+----------+------+---------------------+
| FDRE     |  377 |            Register |
+----------+------+---------------------+
"""


def timing(slack: str = "-0.125", state: str = "") -> str:
    """A text of report_timing_summary; newer versions say of which state."""
    head = f"| Design State      : {state}\n" if state else ""
    return f"""Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
| Tool Version      : Vivado v.2022.2 (lin64) Build 1 of a day
| Design            : {TOP}
{head}
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)
    -------      -------  ---------------------  -------------------      -------      -------
     {slack}       -1.250                     10                  812        0.042        0.000


Timing constraints are not met.


------------------------------------------------------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------------------------------------------------------

Clock   Waveform(ns)       Period(ns)      Frequency(MHz)
-----   ------------       ----------      --------------
ap_clk  {{0.000 2.000}}      4.000           250.000
"""


SOURCE = """#include "net.h"
void net(hls::stream<x_word>& x, hls::stream<y_word>& y) {
#pragma HLS DATAFLOW

    // the words of port x
    hls::stream<x_word> x_packs("x_packs");
#pragma HLS STREAM variable=x_packs depth=2
    hlsgen::read_words<x_packs_config>(x, x_packs);

    // layer 'fc 1' (Dense) -> (8,)
    //   proved range before any cast: -1 .. 1
    hls::stream<fc1_word> fc1("fc1");
#pragma HLS STREAM variable=fc1 depth=2
    hlsgen::dense<fc1_config>(x_packs, fc1, fc1_w);

    // layer 'fc 1' (Dense) -> (8,)
    hlsgen::relu<fc1_relu_config>(fc1, y);
}
"""
"""The top function of such a design."""


def build(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files, by their paths in it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


SOLUTION = "net_prj/solution1"
COMPLETE = {
    "hlsgen.json": "{}",
    "firmware/net.cpp": SOURCE,
    f"{SOLUTION}/syn/report/csynth.xml": csynth(),
    f"{SOLUTION}/sim/report/net_cosim.rpt": cosim(),
    f"{SOLUTION}/sim/report/verilog/lat.rpt": LAT,
    f"{SOLUTION}/sim/report/verilog/result.transaction.rpt": TRANSACTIONS,
    f"{SOLUTION}/impl/report/verilog/export_syn.xml": export_xml(),
    f"{SOLUTION}/impl/report/verilog/net_export.rpt": export_text(),
}
"""A build with all steps, as a Tcl script leaves it."""
