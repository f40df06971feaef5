"""Pay: plans as text, exact statements, what a plan would cost.

`plans` is the language and its checks; `engine` pays a plan exactly; `close` turns a month's pay into signed
statements and books; `simulation` says what a plan would cost. Each may use those named before it, and
`simulation` and `close` do not use each other. The commands, rules, metrics, outputs and findings of the
domain are gathered at its top.
"""
