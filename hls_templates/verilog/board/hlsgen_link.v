// Answers frames: a query by what the design is, samples by their results, a wrong frame by what is wrong with it.
//
// The answer to a frame has its tag. Samples go to the network one after the other, and their results come back in one
// frame; the next frame begins when this one is answered. Where results come faster than the line sends them, they wait
// in the network, whose streams have ready: nothing is lost.
module hlsgen_link #(
    parameter [15:0] X_BYTES = 1,  // of a word of the network's input
    parameter [15:0] X_BEATS = 1,  // words of a sample
    parameter [15:0] Y_BYTES = 1,
    parameter [15:0] Y_BEATS = 1
) (
    input wire clk,
    input wire rst,
    // frames, from hlsgen_frame_memory
    input wire in_valid,
    output wire in_ready,
    input wire [8:0] in_data,
    input wire [2:0] wrong,        // for a clock: a frame was
    // the network
    output wire [8*X_BYTES-1:0] x_data,
    output wire x_valid,
    input wire x_ready,
    input wire [8*Y_BYTES-1:0] y_data,
    input wire y_valid,
    output wire y_ready,
    // what the design is, byte by byte
    output wire [7:0] about_index,
    input wire [7:0] about_byte,
    input wire about_last,
    // answers, to hlsgen_frame_out
    output wire [7:0] out_data,
    output wire out_last,
    output wire out_valid,
    input wire out_ready
);
    localparam [7:0] QUERY = 8'h51, ABOUT = 8'h41, RESULTS = 8'h52, WRONG = 8'h45;
    localparam [2:0] RESTS = 3'd0, TAKES_TAG = 3'd1, GIVES_KIND = 3'd2, GIVES_TAG = 3'd3, GIVES = 3'd4;

    reg [2:0] state;
    reg [7:0] kind, tag;           // kind: of the answer
    reg [2:0] told;                // what was wrong since the last answer that said so
    wire answers = state == GIVES && kind == RESULTS;
    wire given = out_valid && out_ready;

    // a word for the network, from the bytes of a frame
    reg [8*X_BYTES-1:0] word;
    reg [15:0] word_bytes, word_beats;
    reg whole, ended;              // ended: all bytes of the frame were taken
    reg [15:0] owed;               // samples that were taken as a whole, and not answered as a whole
    wire takes = answers && in_valid && in_ready;
    wire [8*X_BYTES+7:0] longer = {in_data[7:0], word};
    wire last_byte = word_bytes == X_BYTES - 16'd1;
    wire last_beat = word_beats == X_BEATS - 16'd1;
    wire sample_taken = takes && last_byte && last_beat;
    assign x_data = word;
    assign x_valid = whole;
    assign in_ready = state == RESTS ? told == 3'd0 : state == TAKES_TAG || (answers && !ended && !whole);

    // the bytes of a result
    reg [8*Y_BYTES-1:0] result;
    reg [15:0] result_left, result_beats;
    wire last_result = result_left == 16'd1 && result_beats == Y_BEATS - 16'd1;
    wire sample_given = answers && given && last_result;
    assign y_ready = answers && result_left == 16'd0;

    reg [7:0] index;
    assign about_index = index;
    assign out_valid = state == GIVES_KIND || state == GIVES_TAG || (state == GIVES && (kind != RESULTS || result_left != 16'd0));
    assign out_data = state == GIVES_KIND ? kind : state == GIVES_TAG ? tag
        : kind == RESULTS ? result[7:0] : kind == ABOUT ? about_byte : {5'd0, told};
    assign out_last = state == GIVES && (kind == RESULTS ? last_result && ended && owed == 16'd1 : kind == ABOUT ? about_last : 1'b1);

    always @(posedge clk) begin
        if (takes) word <= longer[8*X_BYTES+7:8];
        if (y_ready && y_valid) result <= y_data;
        else if (answers && given) result <= result >> 8;
        index <= state != GIVES ? 8'd0 : given ? index + 8'd1 : index;
        if (rst) begin
            state <= RESTS;
            told <= 3'd0;
        end else begin
            told <= state == GIVES && kind == WRONG && given ? wrong : told | wrong;
            case (state)
                RESTS: if (told != 3'd0) begin
                    kind <= WRONG;
                    tag <= 8'd0;
                    state <= GIVES_KIND;
                end else if (in_valid) begin
                    kind <= in_data[7:0] == QUERY ? ABOUT : RESULTS;
                    state <= TAKES_TAG;
                end
                TAKES_TAG: if (in_valid) begin
                    tag <= in_data[7:0];
                    state <= GIVES_KIND;
                end
                GIVES_KIND: if (given) state <= GIVES_TAG;
                GIVES_TAG: if (given) state <= GIVES;
                default: if (given && out_last) state <= RESTS;
            endcase
        end
        if (state == RESTS || rst) begin
            word_bytes <= 16'd0;
            word_beats <= 16'd0;
            whole <= 1'b0;
            ended <= 1'b0;
            owed <= 16'd0;
            result_left <= 16'd0;
            result_beats <= 16'd0;
        end else begin
            if (takes) begin
                word_bytes <= last_byte ? 16'd0 : word_bytes + 16'd1;
                if (last_byte) word_beats <= last_beat ? 16'd0 : word_beats + 16'd1;
                ended <= in_data[8];
            end
            if (takes && last_byte) whole <= 1'b1;
            else if (x_ready) whole <= 1'b0;
            if (sample_taken != sample_given) owed <= sample_taken ? owed + 16'd1 : owed - 16'd1;
            if (y_ready && y_valid) result_left <= Y_BYTES;
            else if (answers && given) begin
                result_left <= result_left - 16'd1;
                if (result_left == 16'd1) result_beats <= result_beats == Y_BEATS - 16'd1 ? 16'd0 : result_beats + 16'd1;
            end
        end
    end
endmodule
