// SPDX-License-Identifier: GPL-2.0-only
/* The gate for strings from outside: what becomes of each kind. */
#include <stdio.h>
#include <string.h>

#include "outside.h"

static int failed;

static void expect(const char *what, const char *got, const char *wanted)
{
	bool same = got && wanted ? !strcmp(got, wanted) : got == wanted;

	printf("%s - %s\n", same ? "ok" : "not ok", what);
	if (!same)
		printf("# got \"%s\", not \"%s\"\n", got ?: "NULL",
		       wanted ?: "NULL");
	failed += !same;
}

static void cleaned(const char *what, const char *text, const char *wanted)
{
	char buf[256];

	snprintf(buf, sizeof(buf), "%s", text);
	outside_clean(buf);
	expect(what, buf, wanted);
}

static void copied(const char *what, size_t size, const char *text,
		   const char *wanted)
{
	char buf[256];

	outside_copy(buf, size, text);
	expect(what, buf, wanted);
}

static void word(enum outside_form form, const char *text, bool good)
{
	char what[300];

	snprintf(what, sizeof(what), "form %d %s", form, text);
	outside_clean(what);
	expect(what, outside_word(form, text), good ? text : NULL);
}

static void test_words(void)
{
	word(OUTSIDE_BDF, "0000:00:10.0", true);
	word(OUTSIDE_BDF, "10000:e1:00.7", true);
	word(OUTSIDE_BDF, "0000:00:10.8", false);
	word(OUTSIDE_BDF, "0000:00:10.0;id", false);
	word(OUTSIDE_BDF, "../../tmp/x;id;#", false);
	word(OUTSIDE_BDF, "\x1b]0;..\a", false);
	word(OUTSIDE_BDF, "", false);
	word(OUTSIDE_NUMBER, "17", true);
	word(OUTSIDE_NUMBER, "-1", false);
	word(OUTSIDE_NUMBER, "", false);
	word(OUTSIDE_NAME, "vfio-pci", true);
	word(OUTSIDE_NAME, "-rf", false);
	word(OUTSIDE_NAME, "a b", false);
	word(OUTSIDE_NAME, "$(id)", false);
	word(OUTSIDE_PATH, "/dev/vfio/3", true);
	word(OUTSIDE_PATH, "/sys/bus/pci/devices/0000:00:10.0/rom", true);
	word(OUTSIDE_PATH, "/dev/../tmp/x", false);
	word(OUTSIDE_PATH, "/tmp/x", false);
	word(OUTSIDE_PATH, "/dev/a\nid", false);
	word(OUTSIDE_PATH, "/dev/a'b", false);
}

int main(void)
{
	char buf[64];

	outside_begin();
	cleaned("escape codes", "\x1b]0;x\a", "?]0;x?");
	cleaned("ends of lines", "a\nb\rc\td", "a?b?c?d");
	cleaned("DEL", "a\x7f", "a?");
	cleaned("C1 as UTF-8",
		"\xc2\x9b"
		"1m",
		"?1m");
	cleaned("C1 as a byte",
		"\x9b"
		"1m",
		"?1m");
	cleaned("what is UTF-8 stays",
		"g\xc3\xa4st-\xe6\x97\xa5\xf0\x9f\x90\xa7",
		"g\xc3\xa4st-\xe6\x97\xa5\xf0\x9f\x90\xa7");
	cleaned("an override of direction",
		"a\xe2\x80\xae"
		"b",
		"a?b");
	cleaned("an isolate of direction",
		"\xe2\x81\xa6"
		"b",
		"?b");
	cleaned("a line separator",
		"a\xe2\x80\xa8"
		"b",
		"a?b");
	cleaned("a byte-order mark",
		"\xef\xbb\xbf"
		"b",
		"?b");
	cleaned("tags", "\xf3\xa0\x81\x81", "?");
	cleaned("a surrogate", "\xed\xa0\x80", "???");
	cleaned("an overlong form", "\xc0\xaf", "??");
	cleaned("beyond Unicode", "\xf4\x90\x80\x80", "????");
	cleaned("a character without its end", "a\xe6\x97", "a??");
	copied("a copy is cut between characters", 4, "ab\xe6\x97\xa5", "ab");
	copied("a copy that fits", 6, "ab\xe6\x97\xa5", "ab\xe6\x97\xa5");
	copied("a copy of bad bytes that is cut", 3, "\xff\xff\xff\xff", "??");
	expect("a column of wide characters, to the left",
	       FIT("\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5", -5),
	       "\xe6\x97\xa5\xe6\x97\xa5 ");
	expect("a column to the right", FIT("ab", 4), "  ab");
	expect("a column that cuts", FIT("abcdef", 4), "abcd");
	expect("a column of combining characters", FIT("e\xcc\x81", -2),
	       "e\xcc\x81 ");
	snprintf(buf, sizeof(buf), "%d", outside_width("\xe6\x97\xa5x"));
	expect("the width of a wide character", buf, "3");
	test_words();
	return failed > 0;
}
