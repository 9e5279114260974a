/** Tests of rendering: words, tables, templates, documents. */
@NullMarked
package io.berth.cli.render;

import org.jspecify.annotations.NullMarked;
