"""Market feeds: bars from CSV and Parquet files, or from a seeded synthetic market."""
