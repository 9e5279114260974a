/** What holds without a kernel. */
@NullMarked
package io.berth.shim.run;

import org.jspecify.annotations.NullMarked;
