"""Tests lie as the packages do: those of `renewable.report.period` under unit/renewable/report and, where they need a
warehouse or a process, under integration/renewable/report. What concerns the whole chain lies beside these folders.
"""
