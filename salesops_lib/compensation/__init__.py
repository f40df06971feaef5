"""Pay: plans as text, exact statements, what a plan would cost.

`plan` is the language, `load` reads it with line numbers, `checks` says what is wrong with it, `engine` pays.
"""
