/** The names and records on the disk are what older builds wrote. */
@NullMarked
package io.berth.base.layout;

import org.jspecify.annotations.NullMarked;
