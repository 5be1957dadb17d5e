"""Study files: YAML -> checked documents -> domain values. `loading` reads, `lowering` gives the plan of a run."""
