@NullMarked
package io.berth.cli.session;

import org.jspecify.annotations.NullMarked;
