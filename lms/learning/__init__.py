"""Courses, versions, runs, enrolments, kinds, coverage and completion."""
