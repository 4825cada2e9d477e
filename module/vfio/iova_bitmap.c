// SPDX-License-Identifier: GPL-2.0-only
/*
 * User space's bitmap of a range of IOVAs, filled by a driver that reports what
 * its device wrote. Only on kernels that have it in vfio.ko.
 *
 * Bit n stands for the n-th page (of the bitmap's page size) from the range's
 * first IOVA on. The bitmap may be larger than what we want to pin, so it is
 * worked on through a window: as many of its pages as one page of pointers can
 * hold, pinned while the driver is called for the IOVAs that they stand for.
 *
 *	bitmap	|.......[=========================].............|  user memory
 *	window	        first_byte         + bytes
 *	IOVAs	        iova of its bit 0  + (bytes * 8) pages
 *
 * The user's address need not be aligned to anything but a byte.
 */
#include <linux/bitmap.h>
#include <linux/highmem.h>
#include <linux/iova_bitmap.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#define WINDOW_PAGES	(PAGE_SIZE / sizeof(struct page *))
#define PAGE_BITS	(PAGE_SIZE * BITS_PER_BYTE)

/**
 * struct iova_bitmap - see above; used by one task at a time
 * @data: user space's bitmap
 * @iova: what its bit 0 stands for
 * @length: bytes of IOVA that it covers
 * @shift: of the page size
 * @total: bytes of bitmap in use
 * @first_byte: of the bitmap, where the window begins
 * @bytes: in the window; 0 when nothing is pinned
 * @npages: pinned pages
 * @pages: a page full of pointers to them
 */
struct iova_bitmap {
	u8 __user	*data;
	unsigned long	iova;
	size_t		length;
	unsigned int	shift;

	unsigned long	total;
	unsigned long	first_byte;
	unsigned long	bytes;
	unsigned long	npages;
	struct page	**pages;
};

static unsigned long window_user_address(const struct iova_bitmap *bitmap)
{
	return (unsigned long)bitmap->data + bitmap->first_byte;
}

/* Bytes of IOVA before the window. */
static unsigned long window_offset(const struct iova_bitmap *bitmap)
{
	return (bitmap->first_byte * BITS_PER_BYTE) << bitmap->shift;
}

/* Bytes of IOVA that the window stands for; the last one may be cut short. */
static size_t window_length(const struct iova_bitmap *bitmap)
{
	size_t rest = bitmap->length - window_offset(bitmap);

	/* Compared in pages, as the bytes of a full window may not fit. */
	if (bitmap->bytes * BITS_PER_BYTE > (rest - 1) >> bitmap->shift)
		return rest;
	return (bitmap->bytes * BITS_PER_BYTE) << bitmap->shift;
}

static void window_unpin(struct iova_bitmap *bitmap)
{
	if (bitmap->npages)
		unpin_user_pages(bitmap->pages, bitmap->npages);
	bitmap->npages = 0;
	bitmap->bytes = 0;
}

/* The window gets smaller if not all of its pages can be pinned. */
static int window_pin(struct iova_bitmap *bitmap)
{
	unsigned long address = window_user_address(bitmap);
	unsigned long rest = bitmap->total - bitmap->first_byte;
	unsigned long in_page = offset_in_page(address);
	unsigned long want;
	int got;

	want = min_t(unsigned long, WINDOW_PAGES,
		     DIV_ROUND_UP(in_page + rest, PAGE_SIZE));
	got = pin_user_pages_fast(address - in_page, want, FOLL_WRITE,
				  bitmap->pages);
	if (got <= 0)
		return -EFAULT;

	bitmap->npages = got;
	bitmap->bytes = min(rest, bitmap->npages * PAGE_SIZE - in_page);
	return 0;
}

/**
 * iova_bitmap_alloc - begin to work on user space's bitmap
 * @iova: what its bit 0 stands for
 * @length: bytes of IOVA that it covers
 * @page_size: bytes of IOVA a bit; a power of two
 * @data: the bitmap
 *
 * Return: what the other functions take, or an ERR_PTR(): -EFAULT if the
 * bitmap's first page cannot be written.
 */
struct iova_bitmap *iova_bitmap_alloc(unsigned long iova, size_t length,
				      unsigned long page_size, u64 __user *data)
{
	struct iova_bitmap *bitmap;
	int ret = -ENOMEM;

	bitmap = kzalloc(sizeof(*bitmap), GFP_KERNEL);
	if (!bitmap)
		return ERR_PTR(-ENOMEM);

	bitmap->data = (u8 __user *)data;
	bitmap->iova = iova;
	bitmap->length = length;
	bitmap->shift = __ffs(page_size);
	bitmap->total = ((length - 1) >> bitmap->shift) / BITS_PER_BYTE + 1;

	bitmap->pages = (struct page **)__get_free_page(GFP_KERNEL);
	if (!bitmap->pages)
		goto err_free;
	ret = window_pin(bitmap);
	if (ret)
		goto err_free;
	return bitmap;

err_free:
	iova_bitmap_free(bitmap);
	return ERR_PTR(ret);
}

/**
 * iova_bitmap_free - undo iova_bitmap_alloc()
 * @bitmap: the bitmap
 */
void iova_bitmap_free(struct iova_bitmap *bitmap)
{
	window_unpin(bitmap);
	free_page((unsigned long)bitmap->pages);
	kfree(bitmap);
}

/**
 * iova_bitmap_for_each - call a function for the whole range, piece by piece
 * @bitmap: a new bitmap
 * @opaque: for @fn
 * @fn: called with a piece of the range, of which it may set bits
 *
 * Return: 0, what @fn returned if not 0, or -EFAULT.
 */
int iova_bitmap_for_each(struct iova_bitmap *bitmap, void *opaque,
			 iova_bitmap_fn_t fn)
{
	unsigned long next;
	int ret;

	for (;;) {
		ret = fn(bitmap, bitmap->iova + window_offset(bitmap),
			 window_length(bitmap), opaque);
		if (ret)
			return ret;

		next = bitmap->first_byte + bitmap->bytes;
		window_unpin(bitmap);
		if (next >= bitmap->total)
			return 0;

		bitmap->first_byte = next;
		ret = window_pin(bitmap);
		if (ret)
			return ret;
	}
}

/**
 * iova_bitmap_set - mark IOVAs
 * @bitmap: a bitmap, from within iova_bitmap_for_each()
 * @iova: the first, in the piece that the function was called for
 * @length: bytes; what is beyond the piece is not marked
 */
void iova_bitmap_set(struct iova_bitmap *bitmap, unsigned long iova,
		     size_t length)
{
	unsigned long base = bitmap->iova + window_offset(bitmap);
	unsigned long bit = (iova - base) >> bitmap->shift;
	unsigned long last = (iova + length - 1 - base) >> bitmap->shift;
	unsigned long in_page =
		offset_in_page(window_user_address(bitmap)) * BITS_PER_BYTE;
	unsigned long end;

	if (!bitmap->bytes || !length)
		return;
	/* From here on counted from bit 0 of the first pinned page. */
	end = min(last + 1, bitmap->bytes * BITS_PER_BYTE) + in_page;
	bit += in_page;

	while (bit < end) {
		unsigned long n = min(end - bit, PAGE_BITS - bit % PAGE_BITS);
		void *kaddr = kmap_local_page(bitmap->pages[bit / PAGE_BITS]);

		bitmap_set(kaddr, bit % PAGE_BITS, n);
		kunmap_local(kaddr);
		bit += n;
	}
}
EXPORT_SYMBOL_GPL(iova_bitmap_set);
