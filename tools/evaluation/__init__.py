"""Judges `heapsleuth check`, and what one could use instead, against leaks whose cause is known.

`truth` says what is right, `corpus` where the programs are, `checks` runs them, `judging` compares,
`scores` and `reliability` count, `floor_rules` and `memlab` are the others, `recorded` judges the analysis
alone, `evaluation` does all of it for one corpus; `cells`, `tables`, `others` and `page` print.
"""
