"""XML from elsewhere, as a tree without namespaces.

An entity may expand to more text than memory has, or to another file of the machine. Declarations
are therefore refused, before the first entity is expanded. A DOCTYPE that only names a DTD, as
MUSE writes it, is ignored: expat does not open the DTD.
"""

from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat

from .._records import RecordError
from ._building import LEAVE_OUT, damaged

_MAX_DEPTH = 64
_MAX_ELEMENTS = 2**19


def parse_xml(name, content):
    """Return the root element of XML; tags and attributes have no namespaces.

    Raises
    ------
    RecordError
        If it is not well-formed, declares or uses an entity, or is too large or too deep.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    depth = n_elements = 0

    def start(tag, attributes):
        nonlocal depth, n_elements
        depth += 1
        n_elements += 1
        if depth > _MAX_DEPTH or n_elements > _MAX_ELEMENTS:
            raise _refuse(
                name,
                f"its XML has more than {_MAX_ELEMENTS:,} elements, or more than {_MAX_DEPTH} "
                "inside each other.",
            )
        builder.start(
            tag.rpartition("}")[2],
            {key.rpartition("}")[2]: value for key, value in attributes.items()},
        )

    def end(tag):
        nonlocal depth
        depth -= 1
        builder.end(tag.rpartition("}")[2])

    def doctype(root, system, public, has_declarations):
        if has_declarations:
            raise _refuse(name, "its DOCTYPE has declarations, which may define entities.")

    def entity(*_):
        raise _refuse(name, "it declares or uses an entity.")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    parser.EntityDeclHandler = entity
    parser.UnparsedEntityDeclHandler = entity
    parser.ExternalEntityRefHandler = entity
    parser.SkippedEntityHandler = entity
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, RecordError):
            raise
        raise damaged(name, f"its XML is not well-formed ({error}).") from error
    return builder.close()


def _refuse(name, reason):
    return RecordError(name, "content", reason, LEAVE_OUT)


def find_text(element, path):
    """Return the stripped text of an element, or "" if it is missing."""
    found = None if element is None else element.find(path)
    return "" if found is None else "".join(found.itertext()).strip()


def find_attribute(element, path, attribute="value"):
    """Return a stripped attribute of an element, or "" if it is missing."""
    found = None if element is None else element.find(path)
    return "" if found is None else found.get(attribute, "").strip()
