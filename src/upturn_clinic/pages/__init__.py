"""The look of every page: the frame, the style, the scripts, the pages for errors, the words of crisis help.

What lives here: templates and static files of all apps, so that one look is kept in one place. What does not: anything
about who may see what; this room knows no other app.
"""
