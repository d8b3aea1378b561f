"""The field's formats: the records as other programs read them, and back.

What lives here: one room per format, each stating what is lost on the way. What does not: any rule about the
records themselves.
"""
