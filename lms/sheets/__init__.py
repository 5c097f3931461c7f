"""Sheets that people bring and take: reading any spreadsheet, naming its columns, writing one."""
