"""`stemwright corpus check`: every file of a corpus read wholly, and what is wrong with it.

measure (parallel, song by song, in constant memory) → judge (rules over the measurements) and compare
(duplicates) → table, Parquet and page.
"""
