"""Long computations: a run is a configuration in and one JSON file out, resumable, local or on a Dask cluster.

`python -m lib.experiments run TOPIC` performs what is missing, `list TOPIC` says what that is, and
`summary TOPIC` turns the runs into the tables the chapters read. A topic is a module of this package with

    runs(quick=False) -> list of Run      what there is to do
    perform(config) -> dict               do one of them, from its configuration alone
    summarise(folder) -> list of paths    turn finished runs into tables
"""
