"""What scripts of the analysis share.

`record` writes every result with how it was made; `timing` has contestants take turns; `rivals` are the unit as others
would write it. `weights` is for the theory, `arrays` and `damage` for robustness; `cpu`, `cuda` and `faces` hold what
belongs to one subject.
"""
