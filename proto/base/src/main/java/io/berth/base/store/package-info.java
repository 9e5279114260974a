/** The embedded database: one writer, two kinds of commit, pooled readers. */
@NullMarked
package io.berth.base.store;

import org.jspecify.annotations.NullMarked;
