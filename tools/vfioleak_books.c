// SPDX-License-Identifier: GPL-2.0-only
/* vfioleak's books: what was taken and not given back. */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/names.h"
#include "lib/tool.h"
#include "vfioleak_books.h"

static bool in_ranges(__u32 kind)
{
	return kind == LEAK_MAPPING || kind == LEAK_PIN;
}

/* Whether giving back the one may mean the other. */
static bool same_key(const struct leak_item *a, const struct leak_item *b)
{
	if (a->kind != b->kind || a->group != b->group ||
	    a->reason != b->reason)
		return false;
	if (a->container && b->container && a->container != b->container)
		return false;
	if (a->address && b->address && a->address != b->address)
		return false;
	return !strcmp(a->device, b->device);
}

/* The last byte of a range; one that wraps, as only a recording can have it, ends
 * with the address space: the tree below needs an order.
 */
static __u64 last_of(const struct leak_item *item)
{
	__u64 last = item->iova + (item->size - 1);

	return !item->size || last < item->iova ? UINT64_MAX : last;
}

/* Mappings of a container do not overlap: those that do are equal, so a range
 * finds what is in it.
 */
static int compare_mappings(const void *left, const void *right)
{
	const struct leak_item *a = left, *b = right;

	if (a->container != b->container)
		return a->container < b->container ? -1 : 1;
	if (last_of(a) < b->iova)
		return -1;
	return last_of(b) < a->iova;
}

void leak_item_fill(struct leak_item *item, const struct leak_event *e)
{
	*item = (struct leak_item){
		.kind = e->kind,
		.container = e->container,
		.group = e->group,
		.reason = e->reason,
		.tgid = e->tgid,
		.ts = e->ts,
		.iova = e->iova,
		.size = e->size,
		.count = 1,
		.address = e->kvm,
		.family = e->family,
	};
	memcpy(item->comm, e->comm, sizeof(item->comm));
	item->comm[sizeof(item->comm) - 1] = '\0';
	names_clean(item->comm);
	memcpy(item->device, e->device, sizeof(item->device));
	item->device[sizeof(item->device) - 1] = '\0';
	names_clean(item->device);
}

static int add_item(struct leak_books *b, const struct leak_item *item)
{
	struct leak_item *items;
	size_t room;

	if (b->count == b->room) {
		room = b->room ? b->room * 2 : 64;
		items = realloc(b->items, room * sizeof(*items));
		if (!items)
			return -ENOMEM;
		b->items = items;
		b->room = room;
	}
	leak_stacks_use(item->stack);
	b->items[b->count++] = *item;
	return 0;
}

static void drop_item(struct leak_books *b, size_t i)
{
	leak_stacks_put(&b->stacks, b->items[i].stack);
	memmove(&b->items[i], &b->items[i + 1],
		(--b->count - i) * sizeof(*b->items));
}

static bool take_mapping(struct leak_books *b, const struct leak_item *range)
{
	void *node = tfind(range, &b->mappings, compare_mappings);
	struct leak_item *mapping;

	if (!node)
		return false;
	mapping = *(struct leak_item **)node;
	tdelete(mapping, &b->mappings, compare_mappings);
	leak_stacks_put(&b->stacks, mapping->stack);
	free(mapping);
	b->mapping_count--;
	return true;
}

/* An unmap whose record was lost must not keep a later map out. */
static int add_mapping(struct leak_books *b, const struct leak_item *item)
{
	struct leak_item *mapping;

	if (!item->size)
		return 0;
	while (take_mapping(b, item))
		;
	mapping = malloc(sizeof(*mapping));
	if (!mapping)
		return -ENOMEM;
	*mapping = *item;
	if (!tsearch(mapping, &b->mappings, compare_mappings)) {
		free(mapping);
		return -ENOMEM;
	}
	leak_stacks_use(mapping->stack);
	b->mapping_count++;
	return 0;
}

static void end_mappings(struct leak_books *b, const struct leak_item *range)
{
	struct leak_item all = *range;

	/* Size 0 ends with the address space: see last_of(). */
	if (!all.size)
		all.iova = 0;
	while (take_mapping(b, &all))
		;
}

/* Its driver has gone, and with it all that it held. */
static void end_container(struct leak_books *b, __u32 container)
{
	struct leak_item all = {.container = container};

	end_mappings(b, &all);
	for (size_t i = b->count; i-- > 0;)
		if (in_ranges(b->items[i].kind) &&
		    b->items[i].container == container)
			drop_item(b, i);
}

static bool attached(const struct leak_books *b, __u32 container)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].kind == LEAK_ATTACHMENT &&
		    b->items[i].container == container)
			return true;
	return false;
}

/* The latest that lies around it loses as much. */
static void end_pin(struct leak_books *b, const struct leak_item *range)
{
	for (size_t i = b->count; i-- > 0;) {
		struct leak_item *pin = &b->items[i], rest;
		__u64 behind;

		if (pin->kind != LEAK_PIN ||
		    pin->container != range->container ||
		    range->iova < pin->iova || last_of(range) > last_of(pin))
			continue;
		behind = last_of(pin) - last_of(range);
		rest = *pin;
		pin->size = range->iova - pin->iova;
		rest.iova = range->iova + range->size;
		rest.size = behind;
		if (behind)
			add_item(b, &rest);
		if (!b->items[i].size)
			drop_item(b, i);
		return;
	}
}

/* The latest of this key, if possible one that its giver took. */
static void end_item(struct leak_books *b, const struct leak_item *like)
{
	size_t found = b->count;

	for (size_t i = b->count; i-- > 0;) {
		if (!same_key(&b->items[i], like))
			continue;
		if (found == b->count)
			found = i;
		if (b->items[i].tgid != like->tgid)
			continue;
		found = i;
		break;
	}
	if (found < b->count)
		drop_item(b, found);
}

/* It was seen open before its record was read. */
static void end_before(struct leak_books *b, const struct leak_item *item)
{
	for (size_t i = 0; i < b->count; i++) {
		if (!b->items[i].before || item->ts > b->snapshot_ns ||
		    !same_key(&b->items[i], item))
			continue;
		drop_item(b, i);
		return;
	}
}

/* A container that was seen to be opened has no mapping without a record. */
static void end_mappings_before(struct leak_books *b, __u32 container)
{
	for (size_t i = b->count; i-- > 0;)
		if (b->items[i].kind == LEAK_MAPPING &&
		    b->items[i].container == container)
			drop_item(b, i);
}

static struct leak_account *find_account(struct leak_books *b,
					 const struct leak_item *item)
{
	struct leak_account *accounts;

	for (size_t i = 0; i < b->account_count; i++)
		if (same_key(&b->accounts[i].key, item))
			return &b->accounts[i];
	accounts = realloc(b->accounts,
			   (b->account_count + 1) * sizeof(*accounts));
	if (!accounts)
		return NULL;
	b->accounts = accounts;
	accounts += b->account_count++;
	*accounts = (struct leak_account){.key = *item};
	accounts->key.stack = NULL;
	return accounts;
}

static bool known(const struct leak_books *b, const struct leak_item *item)
{
	for (size_t i = 0; i < b->count; i++)
		if (same_key(&b->items[i], item))
			return true;
	return false;
}

/* Container numbers do not come again. */
static void close_accounts(struct leak_books *b, __u32 container)
{
	for (size_t i = b->account_count; i-- > 0;) {
		struct leak_account *account = &b->accounts[i];

		if (account->key.container != container ||
		    known(b, &account->key))
			continue;
		leak_stacks_put(&b->stacks, account->put_stack);
		*account = b->accounts[--b->account_count];
	}
}

const struct leak_account *leak_books_account(const struct leak_books *b,
					      const struct leak_item *item)
{
	for (size_t i = 0; i < b->account_count; i++)
		if (same_key(&b->accounts[i].key, item))
			return &b->accounts[i];
	return NULL;
}

static int enter_get(struct leak_books *b, const struct leak_item *item)
{
	if (item->kind == LEAK_MAPPING)
		return add_mapping(b, item);
	if (!in_ranges(item->kind))
		end_before(b, item);
	if (item->kind == LEAK_CONTAINER)
		end_mappings_before(b, item->container);
	return add_item(b, item);
}

static void enter_put(struct leak_books *b, const struct leak_item *item)
{
	if (item->kind == LEAK_MAPPING)
		end_mappings(b, item);
	else if (item->kind == LEAK_PIN)
		end_pin(b, item);
	else
		end_item(b, item);
	if ((item->kind == LEAK_ATTACHMENT && !attached(b, item->container)) ||
	    item->kind == LEAK_CONTAINER)
		end_container(b, item->container);
	if (item->kind == LEAK_CONTAINER && item->container && !known(b, item))
		close_accounts(b, item->container);
}

/* Who gave back last. */
static void note_put(struct leak_books *b, struct leak_account *account,
		     struct leak_stack *stack)
{
	account->puts++;
	leak_stacks_put(&b->stacks, account->put_stack);
	leak_stacks_use(stack);
	account->put_stack = stack;
}

static int enter(struct leak_books *b, const struct leak_item *item, bool get)
{
	struct leak_account *account = find_account(b, item);

	if (!account)
		return -ENOMEM;
	if (get) {
		account->gets++;
		return enter_get(b, item);
	}
	note_put(b, account, item->stack);
	enter_put(b, item);
	return 0;
}

int leak_books_enter(struct leak_books *b, const struct leak_event *e)
{
	struct leak_item item;
	int ret;

	if (e->kind >= LEAK_KINDS)
		return 0;
	leak_item_fill(&item, e);
	item.stack = leak_stacks_get(&b->stacks, e);
	if (!item.stack)
		return -ENOMEM;
	b->last_ns = e->ts;
	ret = enter(b, &item, e->change > 0);
	leak_stacks_put(&b->stacks, item.stack);
	return ret;
}

static int add_before(struct leak_books *b, __u32 kind,
		      const struct snap_record *r)
{
	struct leak_item item = {.kind = kind,
				 .container = r->container,
				 .group = r->group,
				 .reason = LEAK_UNKNOWN,
				 .tgid = r->tgid,
				 .count = 1,
				 .most = UINT64_MAX,
				 .before = true};

	if (kind == LEAK_CONTAINER || kind == LEAK_MAPPING)
		item.group = -1;
	if (kind == LEAK_GROUP || kind == LEAK_DEVICE || kind == LEAK_KVM)
		item.container = 0;
	if (kind == LEAK_KVM)
		item.address = r->kvm;
	memcpy(item.comm, r->comm, sizeof(item.comm));
	item.comm[sizeof(item.comm) - 1] = '\0';
	names_clean(item.comm);
	if (kind == LEAK_DEVICE) {
		memcpy(item.device, r->device, sizeof(item.device));
		item.device[sizeof(item.device) - 1] = '\0';
		names_clean(item.device);
	}
	/* Where the backend is, for asking it again. */
	if (kind == LEAK_MAPPING)
		item.address = r->container_ptr;
	return known(b, &item) ? 0 : add_item(b, &item);
}

static int add_record(struct leak_books *b, const struct snap_record *r)
{
	int ret = 0;

	if (r->container && r->kind == SNAP_CONTAINER)
		ret = add_before(b, LEAK_CONTAINER, r);
	if (!ret && r->kind == SNAP_GROUP)
		ret = add_before(b, LEAK_GROUP, r);
	if (!ret && r->kind == SNAP_DEVICE)
		ret = add_before(b, LEAK_DEVICE, r);
	if (!ret && r->container && r->group >= 0)
		ret = add_before(b, LEAK_ATTACHMENT, r);
	if (!ret && r->kvm && r->group >= 0)
		ret = add_before(b, LEAK_KVM, r);
	if (!ret && r->container && r->iommu_data)
		ret = add_before(b, LEAK_MAPPING, r);
	return ret;
}

int leak_books_begin(struct leak_books *b)
{
	if (snapshot_take(&b->snapshot) < 0)
		return -1;
	b->snapshot_ns = now_ns();
	for (size_t i = 0; i < b->snapshot.count; i++) {
		if (add_record(b, &b->snapshot.records[i]) >= 0)
			continue;
		tool_error("out of memory");
		return -1;
	}
	leak_books_refresh(b);
	return 0;
}

struct tally {
	__u32 container;
	__u64 count, bytes;
};

static void tally_one(const void *node, VISIT which, void *arg)
{
	const struct leak_item *item = *(const struct leak_item *const *)node;
	struct tally *tally = arg;

	if ((which != postorder && which != leaf) ||
	    item->container != tally->container)
		return;
	tally->count++;
	tally->bytes += item->size;
}

/* What is in the container beyond those with a record. An unmap whose record is
 * not read yet makes it too few for a while, a map's too many: never more than
 * there were at first.
 */
static void refresh(struct leak_books *b, struct leak_item *item)
{
	struct snap_survey survey = {.container_ptr = item->address,
				     .container = item->container,
				     .walk = 1};
	struct tally seen = {.container = item->container};

	twalk_r(b->mappings, tally_one, &seen);
	item->count = 0;
	if (snapshot_survey(&b->snapshot, &survey) || !survey.ok ||
	    !survey.has_maps)
		return;
	if (survey.maps > seen.count)
		item->count = survey.maps - seen.count;
	if (item->count > item->most)
		item->count = item->most;
	if (item->most == UINT64_MAX)
		item->most = item->count;
	item->size = survey.bytes > seen.bytes ? survey.bytes - seen.bytes : 0;
}

void leak_books_refresh(struct leak_books *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].kind == LEAK_MAPPING)
			refresh(b, &b->items[i]);
}

struct walk {
	void (*one)(const struct leak_item *item, void *arg);
	void *arg;
};

static void walk_one(const void *node, VISIT which, void *arg)
{
	struct walk *walk = arg;

	if (which == postorder || which == leaf)
		walk->one(*(const struct leak_item *const *)node, walk->arg);
}

void leak_books_walk(struct leak_books *b,
		     void (*one)(const struct leak_item *item, void *arg),
		     void *arg)
{
	struct walk walk = {one, arg};

	for (size_t i = 0; i < b->count; i++)
		if (b->items[i].count)
			one(&b->items[i], arg);
	twalk_r(b->mappings, walk_one, &walk);
}

void leak_books_close(struct leak_books *b)
{
	tdestroy(b->mappings, free);
	snapshot_close(&b->snapshot);
	leak_stacks_free(&b->stacks);
	free(b->items);
	free(b->accounts);
}
