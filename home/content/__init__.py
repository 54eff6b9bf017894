"""Loading the practice's content from its file: one module per part of the site.

What exists is left as it is, so an editor's words always win; what is missing is created. Content
is found by its stable key. Outside demo mode, whatever holds sample material is a draft.
"""
