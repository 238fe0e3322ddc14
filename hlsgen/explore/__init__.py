"""The search for a design: many configurations of one model, converted, measured and compared.

A trial (:mod:`~hlsgen.explore.trial`) is one point of a space and what was measured there. What computes a trial is a
function of plain values, so that it runs in this process, in others, or on other machines
(:mod:`~hlsgen.explore.workers`).
"""
