"""Tests of transform."""
