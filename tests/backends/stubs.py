"""Programs that behave as Vitis HLS does, as far as hlsgen can see."""

from __future__ import annotations

from pathlib import Path

from tests.backends.vendor_reports import texts

CSYNTH_XML = """<?xml version="1.0"?>
<profile>
  <ReportVersion><Version>2023.2</Version></ReportVersion>
  <UserAssignments>
    <unit>ns</unit><Part>xcu250-figd2104-2L-e</Part><TopModelName>tiny</TopModelName>
    <TargetClockPeriod>5.00</TargetClockPeriod><ClockUncertainty>1.35</ClockUncertainty>
  </UserAssignments>
  <PerformanceEstimates>
    <SummaryOfTimingAnalysis><EstimatedClockPeriod>3.648</EstimatedClockPeriod></SummaryOfTimingAnalysis>
    <SummaryOfOverallLatency>
      <unit>clock cycles</unit>
      <Best-caseLatency>12</Best-caseLatency><Average-caseLatency>13</Average-caseLatency>
      <Worst-caseLatency>14</Worst-caseLatency>
      <Interval-min>1</Interval-min><Interval-max>2</Interval-max>
    </SummaryOfOverallLatency>
  </PerformanceEstimates>
  <AreaEstimates>
    <Resources><BRAM_18K>4</BRAM_18K><DSP>96</DSP><FF>1000</FF><LUT>2000</LUT><URAM>0</URAM></Resources>
    <AvailableResources>
      <BRAM_18K>5376</BRAM_18K><DSP>12288</DSP><FF>3456000</FF><LUT>1728000</LUT><URAM>1280</URAM>
    </AvailableResources>
  </AreaEstimates>
  <ModuleInformation>
    <Module>
      <Name>dense</Name>
      <PerformanceEstimates>
        <SummaryOfTimingAnalysis><EstimatedClockPeriod>3.6</EstimatedClockPeriod></SummaryOfTimingAnalysis>
        <SummaryOfOverallLatency>
          <Best-caseLatency>undef</Best-caseLatency><Worst-caseLatency>undef</Worst-caseLatency>
          <PipelineInitiationInterval>1</PipelineInitiationInterval>
        </SummaryOfOverallLatency>
      </PerformanceEstimates>
      <AreaEstimates><Resources><DSP>96</DSP><AVAIL_DSP>12288</AVAIL_DSP><LUT>1500</LUT></Resources></AreaEstimates>
    </Module>
  </ModuleInformation>
</profile>
"""

_SUCCESS = """echo "INFO: [HLS 200-10] $0 $@ steps=$HLSGEN_STEPS"
mkdir -p {prj}/solution1/syn/report
cp "$(dirname "$0")/csynth.xml" {prj}/solution1/syn/report/csynth.xml
for step in $HLSGEN_STEPS; do
    case $step in
    csim) {outputs} >tb_data/csim_outputs.dat ;;
    cosim)
        {outputs} >tb_data/rtl_outputs.dat
        mkdir -p {prj}/solution1/sim/report
        cp "$(dirname "$0")/cosim.rpt" {prj}/solution1/sim/report/{top}_cosim.rpt ;;
    vsynth)
        mkdir -p {prj}/solution1/impl/report/verilog
        cp "$(dirname "$0")/export_syn.xml" {prj}/solution1/impl/report/verilog/export_syn.xml ;;
    esac
done
{ending}
"""
_MISMATCH = "sed '3s/^[^ ]*/4711/' tb_data/expected.dat"
"""What a test bench that finds one wrong integer wrote."""
_FAILURE = """echo "WARNING: [HLS 200-40] something small"
echo "ERROR: [HLS 207-1] the first thing wrong"
echo "ERROR: [HLS 200-70] the consequence"
exit 1
"""
_NO_REPORT = 'echo "ERROR: [HLS 200-1715] a quiet failure"\n'


def _success(project: str, outputs: str = "cat tb_data/expected.dat", ending: str = "exit 0") -> str:
    return _SUCCESS.format(prj=f"{project}_prj", top=project, outputs=outputs, ending=ending)


def install(folder: Path, name: str, behaviour: str, project: str = "tiny") -> Path:
    """Put a stub called ``name`` into ``folder``.

    ``behaviour``: success, failure, no_report, mismatch (the test bench computes another integer, and the tool fails),
    unnoticed (so it does, and the tool does not), outputs_gone or outputs_short (the test bench wrote nothing, or ended
    early, and the tool says nothing).
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = {
        "success": _success(project),
        "failure": _FAILURE,
        "no_report": _NO_REPORT,
        "mismatch": _success(project, _MISMATCH, _FAILURE),
        "unnoticed": _success(project, _MISMATCH),
        "outputs_gone": _success(project, ending="rm -f tb_data/*_outputs.dat"),
        "outputs_short": _success(project, "head -n 4 tb_data/expected.dat"),
    }[behaviour]
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    program.chmod(0o755)
    (folder / "csynth.xml").write_text(CSYNTH_XML, encoding="utf-8")
    (folder / "cosim.rpt").write_text(texts.cosim(), encoding="utf-8")
    (folder / "export_syn.xml").write_text(texts.export_xml(part="xcu250-figd2104-2L-e"), encoding="utf-8")
    return program
