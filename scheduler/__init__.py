"""When: one elected process runs the jobs and keeps the promises."""
