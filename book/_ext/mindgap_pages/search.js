// How Sphinx's search orders what it finds: chapters, then the other pages, then the API reference. Within each of these
// a page whose own title says it comes first, then a section's title, then a text that mentions it. A word that the
// glossary explains comes before a chapter that only mentions it.
const ASKED = (new URLSearchParams(location.search).get("q") || "").trim().toLowerCase();

var Scorer = {
  score: ([docname, title, anchor, descr, score]) => {
    const explained = anchor?.startsWith("#term-") && score === 100; // the whole word, and no part of one
    const kind = explained || /^book\/(\d|index$)/.test(docname) ? 2 : docname.startsWith("book/appendix/api/") ? 0 : 1;
    const [page, section] = title.toLowerCase().split(" > ");
    const said = ASKED && page.includes(ASKED) && !section ? 200 : ASKED && section?.includes(ASKED) ? 100 : explained ? 50 : 0;
    return 1000 * kind + said + score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};

// The lines around a hit are read from its page, which a browser forbids a page that was opened as a file.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
