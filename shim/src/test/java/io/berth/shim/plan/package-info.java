/** Plans, compared with what was once found right. */
@NullMarked
package io.berth.shim.plan;

import org.jspecify.annotations.NullMarked;
