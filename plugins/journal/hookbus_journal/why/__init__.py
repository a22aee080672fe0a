"""Why something happened, and why something did not: answered from the journal."""
