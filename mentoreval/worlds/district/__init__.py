"""What made-up districts are built of: calendars, rosters, absences, marks and mentoring, as plain arrays.

A world (a file beside this folder) puts these pieces together and says the numbers. Every piece takes the random
generator as an argument and consumes the same random numbers whatever the size of the effect, so that a draw with an
effect and a draw without one differ by the effect alone.
"""
