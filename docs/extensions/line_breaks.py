"""Places where long names may be broken: after a dot or an underscore, and before a capital."""

import re

NAME = re.compile(r'(<span class="pre">)([^<\s]{12,})(</span>)')
BREAK = re.compile(r"(?<=[._])(?=[A-Za-z])|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def mark_breaks(body):
    """Return HTML in which names of at least twelve characters have such places."""
    return NAME.sub(lambda match: match[1] + BREAK.sub("<wbr>", match[2]) + match[3], body)


def change_body(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = mark_breaks(context["body"])


def setup(app):
    app.connect("html-page-context", change_body)
